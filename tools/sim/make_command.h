/* `ferry-sim mkimage`: an MCUboot image file from the command line. Prints one
 * line of JSON: version, hash, sha256 of the file, length. One thread. */
#ifndef FERRY_SIM_MAKE_COMMAND_H
#define FERRY_SIM_MAKE_COMMAND_H

/* argv[0] is "mkimage". Returns the exit code: 0, 1 failed, 2 usage. */
int make_command(int argc, char **argv);

#endif
