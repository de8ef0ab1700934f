/* Any bytes as a root: as a whole file, and as the payload of one, which is
 * read before any signature is looked at. */
#include <stdlib.h>

#include "policy/trust/root_read.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct bytes in = bytes_of(data, len);
	struct fault fault = {0};
	struct root *root = NULL;
	static int ready;

	if (!ready && crypto_init())
		abort();
	ready = 1;
	if (root_first(in, &root, NULL) == 0)
		root_free(root);
	root = calloc(1, sizeof(*root));
	if (!root)
		return 0;
	if (root_read(in, root, &fault) == 0 && root->role_count == 0 &&
		root->version == 0)
		abort();
	root_transfer_of(root, bytes_of("0123456789abcdef", 16));
	root_free(root);
	return 0;
}
