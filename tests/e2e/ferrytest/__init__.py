"""What end-to-end tests share: certificates, real nginx, scripted servers."""
