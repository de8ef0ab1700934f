ferry_unit(http_url USES room_http)
ferry_unit(http_response USES room_http)
ferry_unit(http_hosts USES room_http)
