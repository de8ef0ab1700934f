ferry_program(http_probe SOURCES http_probe.c USES room_vendor)
ferry_e2e(vendor FILES test_vendor_http.py test_vendor_tls.py
	test_vendor_link.py)
