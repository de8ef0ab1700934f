/* Stands apart: the kernel's termios2 and the C library's termios cannot be
 * included together. */
#include "tools/sim/line_speed.h"

#include <asm/termbits.h>
#include <sys/ioctl.h>

uint32_t line_speed(int fd)
{
	struct termios2 line;

	return ioctl(fd, TCGETS2, &line) < 0 ? 0 : line.c_ospeed;
}
