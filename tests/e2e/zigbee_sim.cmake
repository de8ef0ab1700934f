ferry_e2e(zigbee_sim FILES test_zigbee_sim.py)
set_property(TEST e2e.zigbee_sim APPEND PROPERTY ENVIRONMENT
	"FERRY_SHARED_DIR=${FERRY_SHARED_DIR}")
