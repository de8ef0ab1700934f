# Finds every part that Ferry is built from, and says in one clear line for
# each what is missing before it stops.

find_package(PkgConfig QUIET)
if(NOT PKG_CONFIG_FOUND)
	message(FATAL_ERROR "missing: pkg-config (scripts/setup installs it)")
endif()
find_package(Threads REQUIRED)

set(ferry_missing "")

# ferry_part(<target> <debian package> <pkg-config module>...)
function(ferry_part name package)
	string(MAKE_C_IDENTIFIER "${name}" id)
	pkg_check_modules(FERRY_${id} QUIET IMPORTED_TARGET ${ARGN})
	if(NOT FERRY_${id}_FOUND)
		list(JOIN ARGN ", " modules)
		list(APPEND ferry_missing
			"${name}: pkg-config does not know '${modules}' (Debian package ${package})")
		set(ferry_missing "${ferry_missing}" PARENT_SCOPE)
		return()
	endif()
	add_library(part_${name} INTERFACE)
	target_link_libraries(part_${name} INTERFACE PkgConfig::FERRY_${id})
	set_target_properties(PkgConfig::FERRY_${id} PROPERTIES
		INTERFACE_SYSTEM_INCLUDE_DIRECTORIES "${FERRY_${id}_INCLUDE_DIRS}")
endfunction()

ferry_part(mbedtls "libmbedtls-dev of Debian 13, scripts/setup pins it on Debian 12"
	"mbedtls >= 3.6.6" "mbedx509 >= 3.6.6" "mbedcrypto >= 3.6.6")
ferry_part(uv libuv1-dev "libuv >= 1.44")
ferry_part(llhttp "libllhttp-dev of Debian 13, scripts/setup pins it on Debian 12"
	libllhttp)
ferry_part(serialport libserialport-dev libserialport)
ferry_part(config libconfig-dev libconfig)
ferry_part(jansson libjansson-dev "jansson >= 2.13")
ferry_part(sqlite libsqlite3-dev "sqlite3 >= 3.40")
# Its header alone: modules are loaded at run time.
pkg_check_modules(FERRY_P11 QUIET p11-kit-1)
if(FERRY_P11_FOUND)
	add_library(part_pkcs11 INTERFACE)
	target_include_directories(part_pkcs11 SYSTEM INTERFACE
		${FERRY_P11_INCLUDE_DIRS})
else()
	list(APPEND ferry_missing
		"pkcs11: pkg-config does not know 'p11-kit-1' (Debian package libp11-kit-dev)")
endif()
if(BUILD_TESTING)
	ferry_part(check check "check >= 0.15")
endif()
if(ferry_missing)
	list(JOIN ferry_missing "\n  missing: " text)
	message(FATAL_ERROR "\n  missing: ${text}\nscripts/setup installs what is missing.")
endif()

pkg_check_modules(FERRY_SYSTEMD QUIET IMPORTED_TARGET libsystemd)

# Hands jobs to zigbee2mqtt; loaded at run time by the first such link. Without it
# they say so and stay down.
pkg_check_modules(FERRY_MOSQUITTO QUIET IMPORTED_TARGET "libmosquitto >= 2.0")

# Ed25519 in COSE. Without it such keys are listed and never verify.
set(FERRY_ED25519 AUTO CACHE STRING "Ed25519 through libsodium: AUTO, ON, OFF")
set_property(CACHE FERRY_ED25519 PROPERTY STRINGS AUTO ON OFF)
if(NOT FERRY_ED25519 STREQUAL "OFF")
	pkg_check_modules(FERRY_SODIUM QUIET IMPORTED_TARGET "libsodium >= 1.0.18")
	if(FERRY_SODIUM_FOUND)
		add_library(part_sodium INTERFACE)
		target_link_libraries(part_sodium INTERFACE PkgConfig::FERRY_SODIUM)
	elseif(NOT FERRY_ED25519 STREQUAL "AUTO")
		message(FATAL_ERROR "\n  missing: sodium: pkg-config does not know"
			" 'libsodium >= 1.0.18' (Debian package libsodium-dev)\n"
			"scripts/setup installs it.")
	endif()
endif()
