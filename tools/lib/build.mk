$(call library,vexipc,admin.c admin_access.c channel.c channel_chardev.c channel_netlink.c channel_ring.c \
	client.c client_batch.c client_mux.c crc32c.c error.c fields.c genl.c message.c \
	monitor.c names.c parse.c serve.c service.c telemetry.c telemetry_events.c \
	telemetry_fields.c telemetry_latency.c vector.c,libmnl libbpf -lm -pthread)

$(call unit,test_lib_message,tests/unit/test_lib_message.c,vexipc libmnl -lm)
$(call unit,test_lib_bodies,tests/unit/test_lib_bodies.c,vexipc libmnl -lm)
$(call unit,test_lib_batch,tests/unit/test_lib_batch.c,vexipc libmnl -lm -pthread)
$(call unit,test_lib_names,tests/unit/test_lib_names.c,vexipc libmnl -lm)
$(call unit,test_vector,tests/unit/test_vector.c,vexipc libmnl -lm)
$(call unit,test_lib_channel,tests/unit/test_lib_channel.c,vexipc libmnl -lm -pthread)
$(call unit,test_lib_telemetry,tests/unit/test_lib_telemetry.c,vexipc libmnl libbpf -lm)
$(call unit,test_lib_device,tests/unit/test_lib_device.c,vexipc libmnl -lm -pthread)
