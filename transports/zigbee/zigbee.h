/* The driver "zigbee": a ZigBee network behind the hub's own stack (zcl-socket)
 * or behind a coordinator that Ferry is the host of (znp, ezsp, deconz). One
 * any-peer link, datagrams are ZCL frames. Parameters: docs/operations.md. */
#ifndef FERRY_ZIGBEE_ZIGBEE_H
#define FERRY_ZIGBEE_ZIGBEE_H

#include "ferry/transport.h"

const struct ferry_driver *zigbee_driver(void);

#endif
