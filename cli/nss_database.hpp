#pragma once

// A certificate database as NSS keeps one (cert9.db), with one authority in it. [trusted core]
//
// Chromium without its policies (Playwright's headless shell, Electron) asks neither the
// distribution's bundle nor a variable whom to trust, but ~/.pki/nssdb. Pure: DER in, file out.
// Written here because NSS's own certutil takes a fifth of a second, and is on few machines.
//
// Not promised: that NSS believes it beside a key4.db with a password, which has to sign what is
// trusted. Alone it is believed, and NSS adds an empty key4.db by itself.
// Sources: sqlite.org/fileformat2.html; NSS, lib/softoken/sdb.c (table and column names) and
// lib/util/pkcs11n.h (numbers of its own attributes); RFC 5280, section 4.1.

#include <string>
#include <string_view>

namespace redoubtful::cli {

// `certificate` is the DER of an authority. Empty where it is no certificate, or too large for one
// page of the file (about 3 KB; one on P-256 has half a KB).
std::string nss_database(std::string_view certificate);

}  // namespace redoubtful::cli
