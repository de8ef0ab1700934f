# How rooms, programs and tests are built: warnings, hardening, sanitizers.

add_library(ferry_flags INTERFACE)
target_include_directories(ferry_flags INTERFACE
	"${CMAKE_SOURCE_DIR}" "${CMAKE_SOURCE_DIR}/transports/include"
	"${CMAKE_BINARY_DIR}/include")
target_compile_definitions(ferry_flags INTERFACE _GNU_SOURCE _FILE_OFFSET_BITS=64)
target_compile_options(ferry_flags INTERFACE
	-Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wno-sign-conversion
	-Wstrict-prototypes -Wmissing-prototypes -Wswitch-enum -Wvla -Wformat=2
	-Wno-format-zero-length $<$<C_COMPILER_ID:GNU>:-Wno-format-truncation>
	$<$<C_COMPILER_ID:Clang>:-Wno-gnu-zero-variadic-macro-arguments> -Wnull-dereference -Wcast-qual -Wundef
	-fstack-protector-strong -fno-common)
if(FERRY_WERROR)
	target_compile_options(ferry_flags INTERFACE -Werror)
endif()
if(FERRY_SANITIZE)
	add_compile_options(-fsanitize=address,undefined -fno-sanitize-recover=undefined
		-fno-omit-frame-pointer -g)
	add_link_options(-fsanitize=address,undefined)
elseif(CMAKE_BUILD_TYPE MATCHES "Rel")
	target_compile_definitions(ferry_flags INTERFACE
		$<$<CONFIG:Release,RelWithDebInfo>:_FORTIFY_SOURCE=2>)
endif()
if(FERRY_FUZZ)
	add_compile_options(-fsanitize=fuzzer-no-link)
endif()
if(FERRY_COVERAGE)
	add_compile_options(--coverage -O0)
	add_link_options(--coverage)
endif()
target_link_options(ferry_flags INTERFACE -Wl,-z,relro,-z,now)

# ferry_room(<name> SOURCES ... USES <rooms and parts>...)
# A static library `room_<name>`; USES takes other rooms and part_* names.
function(ferry_room name)
	cmake_parse_arguments(ROOM "" "" "SOURCES;USES" ${ARGN})
	add_library(room_${name} STATIC ${ROOM_SOURCES})
	target_link_libraries(room_${name} PUBLIC ferry_flags ${ROOM_USES})
endfunction()

# ferry_program(<name> SOURCES ... USES ...): goes to bin/.
function(ferry_program name)
	cmake_parse_arguments(PROGRAM "" "" "SOURCES;USES" ${ARGN})
	add_executable(${name} ${PROGRAM_SOURCES})
	target_link_libraries(${name} PRIVATE ferry_flags ${PROGRAM_USES})
	set_target_properties(${name} PROPERTIES
		RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/bin")
endfunction()

# ferry_label(<target> <test>): a test whose folder has set `ferry_test_label` carries that
# label and is built by the target tests_LABEL.
function(ferry_label target test)
	if(NOT DEFINED ferry_test_label)
		return()
	endif()
	set_property(TEST ${test} APPEND PROPERTY LABELS ${ferry_test_label})
	if(NOT TARGET tests_${ferry_test_label})
		add_custom_target(tests_${ferry_test_label})
	endif()
	add_dependencies(tests_${ferry_test_label} ${target})
endfunction()

# What the code of unit tests may lean on.
function(ferry_unit_flags target)
	target_compile_definitions(${target} PRIVATE
		FERRY_SHARED_DIR="${FERRY_SHARED_DIR}"
		FERRY_SOURCE_DIR="${CMAKE_SOURCE_DIR}"
		FERRY_BUILD_DIR="${CMAKE_BINARY_DIR}")
	# The macros of Check say `if (...) else` and cast as they like.
	target_compile_options(${target} PRIVATE -Wno-pedantic)
endfunction()

# ferry_rig(<name> SOURCES ... USES ...): `rig_<name>`, which several unit tests share.
function(ferry_rig name)
	cmake_parse_arguments(RIG "" "" "SOURCES;USES" ${ARGN})
	add_library(rig_${name} STATIC EXCLUDE_FROM_ALL ${RIG_SOURCES})
	target_link_libraries(rig_${name} PUBLIC ferry_flags ${RIG_USES} part_check)
	ferry_unit_flags(rig_${name})
endfunction()

# ferry_unit(<name> USES ...): tests/unit/.../test_<name>.c with Check.
function(ferry_unit name)
	cmake_parse_arguments(UNIT "" "" "SOURCES;USES" ${ARGN})
	add_executable(test_${name} test_${name}.c ${UNIT_SOURCES})
	target_link_libraries(test_${name} PRIVATE ferry_flags ${UNIT_USES} part_check)
	ferry_unit_flags(test_${name})
	add_test(NAME unit.${name} COMMAND test_${name})
	# 77: the folder of vectors is absent and CI is not set.
	set_tests_properties(unit.${name} PROPERTIES TIMEOUT 300
		SKIP_RETURN_CODE 77
		ENVIRONMENT "ASAN_OPTIONS=detect_leaks=1;CK_DEFAULT_TIMEOUT=60")
	ferry_label(test_${name} unit.${name})
endfunction()

# ferry_fuzz(<name> USES ...): tests/fuzz/fuzz_<name>.c, a libFuzzer target with
# FERRY_FUZZ=ON; otherwise a program that replays corpus/<name>, run by ctest.
function(ferry_fuzz name)
	cmake_parse_arguments(FUZZ "" "" "SOURCES;USES" ${ARGN})
	if(FERRY_FUZZ)
		add_executable(fuzz_${name} fuzz_${name}.c ${FUZZ_SOURCES})
		target_link_options(fuzz_${name} PRIVATE -fsanitize=fuzzer)
	else()
		add_executable(fuzz_${name} fuzz_${name}.c replay.c ${FUZZ_SOURCES})
		add_test(NAME fuzz.${name} COMMAND fuzz_${name}
			"${CMAKE_SOURCE_DIR}/tests/fuzz/corpus/${name}")
		ferry_label(fuzz_${name} fuzz.${name})
	endif()
	target_link_libraries(fuzz_${name} PRIVATE ferry_flags ${FUZZ_USES})
	target_compile_options(fuzz_${name} PRIVATE -Wno-missing-prototypes)
endfunction()
