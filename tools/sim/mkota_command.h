/* `ferry-sim mkota`: a ZigBee OTA upgrade file from the command line. Prints one
 * line of JSON: manufacturer, type, version, sha256 and length of the file. One
 * thread. */
#ifndef FERRY_SIM_MKOTA_COMMAND_H
#define FERRY_SIM_MKOTA_COMMAND_H

/* argv[0] is "mkota". Returns the exit code: 0, 1 failed, 2 usage. */
int mkota_command(int argc, char **argv);

#endif
