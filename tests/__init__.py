"""Tests; a package, since others install a package of this name as well."""
