module tenant-management-client

go 1.19
