# The demo itself, with the programs of this build.
add_test(NAME e2e.demo COMMAND "${CMAKE_SOURCE_DIR}/scripts/demo")
set_tests_properties(e2e.demo PROPERTIES TIMEOUT 300 ENVIRONMENT
	"FERRY_BIN=${CMAKE_BINARY_DIR}/bin")
