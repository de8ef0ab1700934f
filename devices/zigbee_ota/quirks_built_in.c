#include "devices/zigbee_ota/quirks.h"

/* What has been reported of real devices. docs/zigbee.md has the report behind
 * each row; codes are those of the manufacturer codes database. */
static const char rows[] =
	"# Legrand: asks for its exact size, loops with less; up to half an hour\n"
	"# between blocks; may send no Upgrade End.\n"
	"manufacturer=0x1021 : block_max=64 idle_s=1800 finish_s=1800"
	" no_end=yes\n"
	"# Insta and Jung, dresden elektronik, Busch-Jaeger: fail above 40 bytes.\n"
	"manufacturer=0x117a|0x1135|0x112e : block_max=40\n"
	"# Insta and Jung ask for pages.\n"
	"manufacturer=0x117a : pages=yes\n"
	"# Telink's stack, also in Sonoff's plugs: fails below 48 bytes.\n"
	"manufacturer=0x1141|0x1286 : block_min=48\n"
	"# Sonoff's radiator valves write a second controller after 100 %.\n"
	"manufacturer=0x1286 type=0x2007 : idle_s=3600 finish_s=3600\n"
	"# Bosch: a block an hour; an update may take two days.\n"
	"manufacturer=0x1209 : idle_s=3600 finish_s=3600\n"
	"# Hue: answers blocks with MALFORMED and goes on; takes no older image.\n"
	"manufacturer=0x100b : ignore_malformed=yes refuses_downgrade=yes\n"
	"# IKEA: loops after a success that changed nothing; takes no older image.\n"
	"manufacturer=0x117c : attempts_max=2 refuses_downgrade=yes\n"
	"# Aqara, Xiaomi: newer images with lower numbers.\n"
	"manufacturer=0x115f : lower_is_newer=yes\n"
	"# Danfoss: aborts near the end, with a low battery for one.\n"
	"manufacturer=0x1246 : attempts_max=2\n"
	"# Third Reality: ten seconds of silence for each page that is not served.\n"
	"manufacturer=0x1233|0x1407|0x130d : pages=yes\n"
	"# Espressif: one lost answer, and it starts at 0 again.\n"
	"manufacturer=0x131b : restarts_at_zero=yes\n"
	"# Digi XBee: knows no WAIT_FOR_DATA; 48 bytes on encrypted networks.\n"
	"manufacturer=0x101e : honours_wait=no block_max=48\n"
	"# z03mmc on Telink: manufacturer and type change with the update.\n"
	"manufacturer=0x1141 type=0x0203 : any_key=yes\n"
	"manufacturer=0xdb15 : any_key=yes\n";

const char *quirks_built_in(void)
{
	return rows;
}
