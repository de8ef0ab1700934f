ferry_e2e(publish_zigbee FILES test_publish_zigbee.py)
set_property(TEST e2e.publish_zigbee APPEND PROPERTY ENVIRONMENT
	"FERRY_SHARED_DIR=${FERRY_SHARED_DIR}")
