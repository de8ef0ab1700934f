ferry_e2e(publish FILES test_publish.py)
set_property(TEST e2e.publish APPEND PROPERTY ENVIRONMENT
	"FERRY_SHARED_DIR=${FERRY_SHARED_DIR}")
