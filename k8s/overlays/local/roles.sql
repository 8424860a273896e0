-- Every service has a role and a database of its own, as if each were elsewhere.
create role catalog login password 'local';
create database catalog owner catalog;
create role compute login password 'local';
create database compute owner compute;
create role delivery login password 'local';
create database delivery owner delivery;
create role generation login password 'local';
create database generation owner generation;
create role identity login password 'local';
create database identity owner identity;
create role media login password 'local';
create database media owner media;
create role shooting login password 'local';
create database shooting owner shooting;
