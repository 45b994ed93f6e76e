# Peers that need a library are there if it is.
bench_libs := libcjson libmnl
bench_peers :=
# bench_peer NAME,LIBS,FOUND: peer_NAME.c, if FOUND is not empty
bench_peer = $(if $3,$(eval bench_libs += $2)$(eval bench_peers += peer_$1.c)\
	$(eval CFLAGS_$(here)/vexipc-bench.c += -DBENCH_$(shell echo $1 | tr a-z A-Z)))
$(call bench_peer,fuse,fuse3,$(shell pkg-config --exists fuse3 && echo yes))
$(call bench_peer,zeromq,libzmq,$(shell pkg-config --exists libzmq && echo yes))
$(call bench_peer,nats,libnats,$(shell pkg-config --exists libnats && echo yes))
# It has no file for pkg-config.
$(call bench_peer,nng,-lnng,$(wildcard /usr/include/nng/nng.h))

$(call program,vexipc-bench,vexipc-bench.c work.c measure.c report.c plot.c selection.c crowd.c open_loop.c \
	peer_stream.c peer_seqpacket.c peer_eventfd.c peer_vexipc_chardev.c \
	peer_vexipc_netlink.c peer_vexipc_ring.c peer_vexipc_lib.c peer_vexipc_batch.c peer_vexipc_cached.c vexipc_answers.c vexipc_client.c \
	peer_haproxy.c $(bench_peers),vexipc $(bench_libs) -lm)
