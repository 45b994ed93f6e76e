$(call bpf,telemetry)
