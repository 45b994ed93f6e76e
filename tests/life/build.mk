$(call helper,life-service,service.c,vexipc)
$(call helper,life-client,client.c life.c,vexipc -pthread)
$(call helper,life-storm,storm.c storm_keeper.c storm_load.c life.c,vexipc -pthread)
$(call helper,life-failnth,failnth.c life.c,vexipc)
