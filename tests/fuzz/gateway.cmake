# One list of targets a part of the daemon.
foreach(part config http vendor relay admin ctl daemon)
	include("${CMAKE_CURRENT_LIST_DIR}/gateway_${part}.cmake" OPTIONAL)
endforeach()
