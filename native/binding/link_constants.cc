// What lies below IP on Linux: CAN, netlink, packets, virtual machines.
// What every system has stands bare, what Linux always has under one condition, the rest under one
// each, as only the preprocessor can say whether a header defines a name.

#include <sys/socket.h>

#include "constants.h"

#if defined(__linux__)
#include <linux/can.h>
#include <linux/can/raw.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/netlink.h>
#include <linux/vm_sockets.h>
#endif

namespace genloop {

ConstantTable linkConstants() {
  static const Constant kTable[] = {

#if defined(__linux__)
    NAMED(CAN_RAW),
    NAMED(CAN_BCM),
    NAMED(CAN_EFF_FLAG),
    NAMED(CAN_RTR_FLAG),
    NAMED(CAN_ERR_FLAG),
    NAMED(CAN_SFF_MASK),
    NAMED(CAN_EFF_MASK),
    NAMED(CAN_MTU),
    NAMED(CANFD_MTU),
    NAMED(NETLINK_ROUTE),
    NAMED(NETLINK_KOBJECT_UEVENT),
    NAMED(NETLINK_GENERIC),
    NAMED(NETLINK_SOCK_DIAG),
    NAMED(NETLINK_NETFILTER),
    NAMED(NETLINK_AUDIT),
    NAMED(NETLINK_CONNECTOR),
    NAMED(NETLINK_ADD_MEMBERSHIP),
    NAMED(NETLINK_DROP_MEMBERSHIP),
    NAMED(NETLINK_PKTINFO),
    NAMED(NETLINK_NO_ENOBUFS),
    NAMED(ETH_P_ALL),
    NAMED(ETH_P_IP),
    NAMED(ETH_P_IPV6),
    NAMED(ETH_P_ARP),
    NAMED(PACKET_ADD_MEMBERSHIP),
    NAMED(PACKET_MR_PROMISC),
    NAMED(VMADDR_CID_ANY),
    NAMED(VMADDR_CID_HOST),
#endif
#ifdef CAN_ISOTP
    NAMED(CAN_ISOTP),
#endif
#ifdef CAN_RAW_FILTER
    NAMED(CAN_RAW_FILTER),
#endif
#ifdef CAN_RAW_ERR_FILTER
    NAMED(CAN_RAW_ERR_FILTER),
#endif
#ifdef CAN_RAW_LOOPBACK
    NAMED(CAN_RAW_LOOPBACK),
#endif
#ifdef CAN_RAW_RECV_OWN_MSGS
    NAMED(CAN_RAW_RECV_OWN_MSGS),
#endif
#ifdef CAN_RAW_FD_FRAMES
    NAMED(CAN_RAW_FD_FRAMES),
#endif
#ifdef VMADDR_CID_LOCAL
    NAMED(VMADDR_CID_LOCAL),
#endif
  };
  return tableOf(kTable);
}

}  // namespace genloop
