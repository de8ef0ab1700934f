/* Driver "sim": a pretended radio with many peers, groups, changing payload
 * sizes and losses, played by the simulator at the other end of a Unix socket
 * (transports/sim/sim_wire.h). Datagrams, one channel a link. Static table. */
#ifndef FERRY_SIM_SIM_H
#define FERRY_SIM_SIM_H

#include "ferry/transport.h"

const struct ferry_driver *sim_driver(void);

#endif
