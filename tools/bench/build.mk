$(call program,vexipc-bench,vexipc-bench.c work.c measure.c report.c plot.c selection.c \
	peer_stream.c peer_seqpacket.c peer_eventfd.c peer_vexipc_chardev.c \
	peer_vexipc_netlink.c peer_vexipc_ring.c peer_vexipc_lib.c peer_vexipc_batch.c peer_vexipc_cached.c vexipc_answers.c vexipc_client.c,vexipc \
	libcjson libmnl -lm)
