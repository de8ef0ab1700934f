/* The speed that a client has set on its end of a PTY, any number. */
#ifndef FERRY_SIM_LINE_SPEED_H
#define FERRY_SIM_LINE_SPEED_H

#include <stdint.h>

/* In baud; 0 when it cannot be read. */
uint32_t line_speed(int fd);

#endif
