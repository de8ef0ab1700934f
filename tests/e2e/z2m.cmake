ferry_e2e(z2m FILES test_z2m.py)
set_property(TEST e2e.z2m APPEND PROPERTY ENVIRONMENT
	"FERRY_SHARED_DIR=${FERRY_SHARED_DIR}")
set_tests_properties(e2e.z2m PROPERTIES TIMEOUT 1200)
