$(call program,vexipc,vexipc.c bpf_fs.c common.c table.c json.c npy.c embed_source.c \
	embed_output.c cmd_embed.c cmd_services.c cmd_stats.c cmd_cache.c cmd_config.c \
	cmd_control.c cmd_monitor.c cmd_policy.c cmd_token.c cmd_rule.c cmd_telemetry.c policy_load.c \
	telemetry.c telemetry_events.c,vexipc libcjson libbpf -lm)
$(call uses_bpf,telemetry.c,telemetry)

$(call unit,test_lib_cli,tests/unit/test_lib_cli.c common.c json.c npy.c \
	embed_source.c,vexipc libmnl libcjson -lm)
