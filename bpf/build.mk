$(call bpf,telemetry)
$(call policy,policy_load)
$(call policy,policy_content)
