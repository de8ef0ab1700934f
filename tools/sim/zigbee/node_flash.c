/* What a node keeps over the end of the process: what runs. One line of text:
 * "manufacturer type version", hexadecimal. Written whole or not at all. */
#include <errno.h>
#include <stdio.h>

#include "tools/sim/zigbee/node.h"

int node_flash_read(struct node *n, struct fault *fault)
{
	FILE *file = fopen(n->setup.state_path, "r");
	unsigned manufacturer, type, version;
	int got;

	if (!file)
		return errno == ENOENT ? 0
				       : fault_set(fault, -errno, 0, "flash",
						 "%s: %s", n->setup.state_path,
						 err_text(-errno));
	got = fscanf(file, "%x %x %x", &manufacturer, &type, &version);
	fclose(file);
	if (got != 3 || manufacturer > 0xffff || type > 0xffff)
		return fault_set(fault, -EBADMSG, 0, "flash",
			"%s is not the flash of such a device",
			n->setup.state_path);
	n->own = (struct node_key){
		(uint16_t)manufacturer, (uint16_t)type, version};
	return 0;
}

int node_flash_write(struct node *n)
{
	char next[NODE_PATH_SIZE + 8];
	FILE *file;
	int err = 0;

	if (!n->setup.state_path[0])
		return 0;
	snprintf(next, sizeof(next), "%s.next", n->setup.state_path);
	file = fopen(next, "w");
	if (!file)
		return -errno;
	if (fprintf(file, "%04x %04x %08x\n", n->own.manufacturer, n->own.type,
		    n->own.version) < 0)
		err = -EIO;
	if (fclose(file) != 0 && !err)
		err = -errno;
	if (!err && rename(next, n->setup.state_path) < 0)
		err = -errno;
	return err;
}
