#include "tools/publish/verbs.h"

int main(int argc, char **argv)
{
	return cli_main(verbs_all, argc, argv);
}
