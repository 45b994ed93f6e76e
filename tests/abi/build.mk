# Programs that speak the ABI by themselves, for tests/bats/1*.bats.
abi_common := tests/abi/abi.c tests/abi/peer.c tests/abi/peer_ring.c
$(call helper,abi-ioctls,ioctls.c $(abi_common),libmnl)
$(call helper,abi-device,device.c $(abi_common),libmnl)
$(call helper,abi-protocol,protocol.c $(abi_common),libmnl)
$(call helper,abi-large,large.c $(abi_common),libmnl)
$(call helper,abi-config,config.c $(abi_common),libmnl)
$(call helper,abi-admission,admission.c $(abi_common),libmnl)
$(call helper,abi-netlink,netlink.c $(abi_common),libmnl)
$(call helper,abi-fuzz,fuzz.c $(abi_common),libmnl)
$(call helper,abi-queue,queue.c $(abi_common),libmnl)
abi_faults := faults.c faults_requests.c faults_calls.c faults_services.c faults_admin.c
$(call helper,abi-faults,$(abi_faults) $(abi_common),libmnl liburing)
$(call helper,abi-uring,uring.c $(abi_common),libmnl liburing)
$(call helper,abi-submit,submit.c $(abi_common),libmnl)
$(call helper,abi-ring,ring.c ring_peril.c $(abi_common),libmnl)
$(call helper,abi-policy,policy.c $(abi_common),libmnl libbpf)
