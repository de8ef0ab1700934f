ferry_fuzz(http_response USES room_http)
ferry_fuzz(http_url USES room_http)
