/* A shared object without ferry_driver_v1. */
__attribute__((visibility("default"))) int not_a_driver(void);

int not_a_driver(void)
{
	return 1;
}
