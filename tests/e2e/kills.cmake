# Preloaded into ferryd by the tests; without sanitizers, which want to be first.
add_library(kill_at MODULE kill_at.c)
target_compile_definitions(kill_at PRIVATE _GNU_SOURCE)
target_link_libraries(kill_at PRIVATE ${CMAKE_DL_LIBS})
set_target_properties(kill_at PROPERTIES PREFIX ""
	LIBRARY_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/drivers")
ferry_e2e(kills FILES test_kills.py)
