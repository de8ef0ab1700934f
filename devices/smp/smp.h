/* SMP (the MCUmgr protocol) as an update engine: MCUboot devices over console
 * lines, raw UARTs and datagram links.
 *
 * Behind devices/engine.h; scope: device. On a stream (ENGINE_UP with
 * max_payload 0) `framing` counts, on datagrams none is used. The order of an
 * update: ask for parameters, mode and image state; decide; TRANSFER, upload,
 * read the slot's hash; STAGED; ACTIVATE, mark for test; RESTART, reset and
 * wait; read back; CONFIRM, read, confirm, read again; result.
 *
 * The state of the device is asked before anything is written, also after the
 * link was lost and after a restart of the gateway; from it follows what is
 * left to do. A reset is never repeated unless the device shows that the first
 * one did not happen.
 *
 * Options, all optional ("framing=raw erase_ms=90000"):
 *   framing       console | raw; preset console
 *   server        auto | recovery; recovery: MCUboot serial recovery
 *   image         image number to update, instead of the class's slot
 *   max_message   largest request in bytes, 64..8192; preset: what the device
 *                 says, 252 on a console that does not say
 *   window        most requests under way, 1..8; preset: what the device bears
 *   align         chunks end at multiples of it, 1..512; preset 1
 *   line_pause_ms pause between console lines, 0..1000; preset 0
 *   reassembly    probe | yes | no: requests longer than a datagram
 *   activate      test | permanent: how the image is marked
 *   force_reset   yes | no: force a reset that the device refused; preset no
 *   confirm_running  yes | no: confirm a foreign image that runs unconfirmed
 *                 when the slot is not free otherwise; preset no
 *   upgrade_only  yes | no: let the device refuse versions that are not newer
 *   answer_ms     patience for an ordinary answer; preset 3000
 *   erase_ms      for the first upload request; preset 60000
 *   last_ms       for the last one; preset 20000
 *   boot_ms       silence after a reset; preset 2000
 *   return_ms     limit for the device to answer again; preset: the class's,
 *                 120000 without one */
#ifndef FERRY_DEVICES_SMP_SMP_H
#define FERRY_DEVICES_SMP_SMP_H

#include "devices/engine.h"

extern const struct engine_ops smp_engine_ops;

#endif
