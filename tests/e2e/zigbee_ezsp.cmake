ferry_e2e(zigbee_ezsp FILES test_zigbee_ezsp.py)
set_property(TEST e2e.zigbee_ezsp APPEND PROPERTY ENVIRONMENT
	"FERRY_SHARED_DIR=${FERRY_SHARED_DIR}")
