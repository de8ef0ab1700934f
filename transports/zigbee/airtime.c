#include "transports/zigbee/airtime.h"

#define BYTE_US 32u
#define BACKOFF_US 1120u
#define LISTEN_US 320u
#define MAC_ACK_US 540u
#define PAUSE_US 640u

/* PHY 6; MAC 9 and FCS 2; NWK 8, auxiliary header 14, MIC 4; APS 8. */
#define HEADER_BYTES 51u
/* The same without an ASDU: an APS acknowledgement has no payload. */
#define APS_ACK_BYTES HEADER_BYTES

static uint32_t frame_us(size_t bytes, bool broadcast)
{
	return (uint32_t)bytes * BYTE_US + BACKOFF_US + LISTEN_US + PAUSE_US +
	       (broadcast ? 0 : MAC_ACK_US);
}

uint32_t zb_airtime_us(size_t asdu_len, bool ack, bool broadcast)
{
	uint32_t us = frame_us(HEADER_BYTES + asdu_len, broadcast);

	if (ack && !broadcast)
		us += frame_us(APS_ACK_BYTES, false);
	return us;
}
