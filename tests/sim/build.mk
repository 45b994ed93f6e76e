$(call helper,vexipc-sim,vexipc-sim.c options.c service.c client.c events.c memory.c report.c,\
	vexipc libcjson -lm)
