/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _VEXIPC_NETLINK_SOCKET_H
#define _VEXIPC_NETLINK_SOCKET_H

#include <linux/mutex.h>
#include <linux/rcupdate.h>
#include <linux/workqueue.h>

#include "endpoint.h"

struct genl_family;
struct genl_info;
struct net;
struct netlink_callback;
struct netlink_ext_ack;
struct sk_buff;
struct sock;
struct vexipc_context;

/* struct vexipc_assembly is a message of which some fragments have come. */
struct vexipc_assembly {
	void *data;
	u32 have, total;
};

/**
 * struct vexipc_socket - the endpoint of a netlink socket
 * @ep:		first, see there
 * @node:	in the instance's table, by @portid
 * @rcu:	frees it
 * @sk:		the socket, held; the one thing that tells it from another
 *		socket that got its port id later
 * @portid:	its port id
 * @assembling:	guards @request and @response
 * @request:	message coming in fragments, VEXIPC_CMD_REQUEST
 * @response:	message coming in fragments, VEXIPC_CMD_RESPONSE
 * @pumping:	one hands things over, and so many wishes came meanwhile
 * @pump:	hands over later what found no room in the socket
 * @delay_ms:	how much later; only the one who pumps looks at it
 * @lock:	guards what follows; inside it nothing but the socket's own locks
 * @held:	messages of which the owner has got the first fragment
 * @held_count:	how many are in @held
 * @closed:	nothing may be held any more
 * @pins_module: it has a service, which holds a module reference
 */
struct vexipc_socket {
	struct vexipc_endpoint ep;
	struct hlist_node node;
	struct rcu_head rcu;
	struct sock *sk;
	u32 portid;

	struct mutex assembling;	/* see above */
	struct vexipc_assembly request;
	struct vexipc_assembly response;

	atomic_t pumping;
	struct delayed_work pump;
	u32 delay_ms;

	spinlock_t lock;		/* see above */
	struct list_head held;
	u32 held_count;
	bool closed;
	bool pins_module;
};

static inline struct vexipc_socket *vexipc_socket_of(struct vexipc_endpoint *ep)
{
	return container_of(ep, struct vexipc_socket, ep);
}

/* netlink.c */
extern struct genl_family vexipc_netlink_family;
void vexipc_netlink_context(struct vexipc_context *ctx, const struct sk_buff *skb,
			    struct net *net);
int vexipc_netlink_admin(struct sk_buff *skb, struct genl_info *info);
int vexipc_netlink_look(struct sk_buff *skb, struct net *net,
			struct netlink_ext_ack *extack);

/* netlink_socket.c */
int vexipc_sockets_init(void);
void vexipc_sockets_exit(void);
struct vexipc_socket *vexipc_socket_find(struct sk_buff *skb, struct genl_info *info);
struct vexipc_socket *vexipc_socket_make(struct sk_buff *skb, struct genl_info *info,
					 bool admin);
void vexipc_socket_leave(struct vexipc_socket *socket);
void vexipc_socket_pump(struct vexipc_socket *socket, gfp_t gfp);
bool vexipc_socket_room(const struct vexipc_socket *socket, u32 truesize);
struct sk_buff *vexipc_socket_message(const struct vexipc_socket *socket, u8 cmd,
				      const struct vexipc_image *image, gfp_t gfp);
int vexipc_socket_send(struct vexipc_socket *socket, struct sk_buff *skb);
u32 vexipc_socket_truesize(u32 message_len);
int vexipc_netlink_put_piece(struct sk_buff *skb, const struct vexipc_image *image,
			     u32 offset, bool fragment);
size_t vexipc_netlink_piece_room(u32 len, bool fragment);

/* netlink_held.c */
void vexipc_held_drop_all(struct vexipc_socket *socket);
int vexipc_held_send(struct vexipc_socket *socket, struct vexipc_out *out,
		     const struct vexipc_image *image, gfp_t gfp);

/* netlink_message.c */
int vexipc_netlink_do_message(struct sk_buff *skb, struct genl_info *info);
void vexipc_assembly_drop(struct vexipc_instance *inst, struct vexipc_assembly *a);

/* netlink_held.c */
int vexipc_netlink_do_fetch(struct sk_buff *skb, struct genl_info *info);

/* netlink_service.c */
int vexipc_netlink_do_register(struct sk_buff *skb, struct genl_info *info);
int vexipc_netlink_do_unregister(struct sk_buff *skb, struct genl_info *info);
int vexipc_netlink_do_heartbeat(struct sk_buff *skb, struct genl_info *info);
int vexipc_netlink_do_service_set(struct sk_buff *skb, struct genl_info *info);
struct vexipc_service *vexipc_netlink_service(struct genl_info *info);

/* netlink_list.c */
int vexipc_netlink_do_service_get(struct sk_buff *skb, struct genl_info *info);
int vexipc_netlink_start_services(struct netlink_callback *cb);
int vexipc_netlink_dump_services(struct sk_buff *skb, struct netlink_callback *cb);
size_t vexipc_netlink_service_room(const struct vexipc_service *svc);
int vexipc_netlink_put_service(struct sk_buff *skb, struct vexipc_service *svc,
			       struct user_namespace *user_ns,
			       struct pid_namespace *pid_ns);

/* netlink_control.c */
int vexipc_netlink_do_stats_get(struct sk_buff *skb, struct genl_info *info);
int vexipc_netlink_do_config_get(struct sk_buff *skb, struct genl_info *info);
int vexipc_netlink_do_config_set(struct sk_buff *skb, struct genl_info *info);
int vexipc_netlink_do_cancel(struct sk_buff *skb, struct genl_info *info);

/* netlink_policy.c */
int vexipc_netlink_do_policy_get(struct sk_buff *skb, struct genl_info *info);
int vexipc_netlink_do_policy_set(struct sk_buff *skb, struct genl_info *info);
int vexipc_netlink_do_cache_flush(struct sk_buff *skb, struct genl_info *info);
int vexipc_netlink_dump_policies(struct sk_buff *skb, struct netlink_callback *cb);

/* netlink_access.c */
int vexipc_netlink_start_access(struct netlink_callback *cb);
int vexipc_netlink_dump_tokens(struct sk_buff *skb, struct netlink_callback *cb);
int vexipc_netlink_do_token_new(struct sk_buff *skb, struct genl_info *info);
int vexipc_netlink_do_token_del(struct sk_buff *skb, struct genl_info *info);
int vexipc_netlink_dump_rules(struct sk_buff *skb, struct netlink_callback *cb);
int vexipc_netlink_do_rule_new(struct sk_buff *skb, struct genl_info *info);
int vexipc_netlink_do_rule_del(struct sk_buff *skb, struct genl_info *info);

#endif
