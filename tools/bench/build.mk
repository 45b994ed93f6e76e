# Peers that need a library are there if it is.
bench_libs := libcjson libmnl
bench_peers :=
# bench_peer NAME,PACKAGE: peer_NAME.c
bench_peer = $(if $(shell pkg-config --exists $2 && echo yes),$(eval bench_libs += $2)\
	$(eval bench_peers += peer_$1.c)\
	$(eval CFLAGS_$(here)/vexipc-bench.c += -DBENCH_$(shell echo $1 | tr a-z A-Z)))
$(call bench_peer,fuse,fuse3)
$(call bench_peer,zeromq,libzmq)
$(call bench_peer,nng,nng)
$(call bench_peer,nats,libnats)

$(call program,vexipc-bench,vexipc-bench.c work.c measure.c report.c plot.c selection.c open_loop.c \
	peer_stream.c peer_seqpacket.c peer_eventfd.c peer_vexipc_chardev.c \
	peer_vexipc_netlink.c peer_vexipc_lib.c peer_vexipc_batch.c peer_vexipc_cached.c vexipc_answers.c vexipc_client.c \
	peer_haproxy.c $(bench_peers),vexipc $(bench_libs) -lm)
