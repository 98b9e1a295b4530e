#include <gtest/gtest.h>

#include <boost/json.hpp>

#include "cli/doctor_text.hpp"
#include "cli/surroundings.hpp"

namespace redoubtful::cli {
namespace {

TEST(Surroundings, OsReleaseIsReadAsItIsWritten) {
  const auto values = parse_os_release(
      "# comment\nID=ubuntu\nID_LIKE=debian\nPRETTY_NAME=\"Ubuntu 24.04 LTS\"\nX='y "
      "z'\nbroken\n=z\n"
      "LAST=1");
  EXPECT_EQ(values.at("ID"), "ubuntu");
  EXPECT_EQ(values.at("PRETTY_NAME"), "Ubuntu 24.04 LTS");
  EXPECT_EQ(values.at("X"), "y z");
  EXPECT_EQ(values.at("LAST"), "1");
  EXPECT_EQ(values.size(), 5U);
}

TEST(Surroundings, ThePackageManagerFollowsTheFamily) {
  struct Case {
    const char* os_release;
    const char* remedy;
  };
  const Case cases[] = {
      {"ID=debian\n", "sudo apt install passt"},
      {"ID=linuxmint\nID_LIKE=\"ubuntu debian\"\n", "sudo apt install passt"},
      {"ID=fedora\n", "sudo dnf install passt"},
      {"ID=ol\nID_LIKE=\"rhel fedora\"\n", "sudo dnf install passt"},
      {"ID=arch\n", "sudo pacman -S passt"},
      {"ID=opensuse-tumbleweed\nID_LIKE=\"opensuse suse\"\n", "sudo zypper install passt"},
      {"ID=alpine\n", "sudo apk add passt"},
      {"ID=nixos\n", "add pkgs.passt to environment.systemPackages, then nixos-rebuild switch"},
      {"ID=somethingelse\n", "install the package passt"},
      {"", "install the package passt"},
  };
  for (const auto& test : cases) {
    Surroundings where;
    where.family = family_of(parse_os_release(test.os_release));
    EXPECT_EQ(install_remedy(where, "passt"), test.remedy) << test.os_release;
  }
  Surroundings root;
  root.family = "debian";
  root.root = true;
  EXPECT_EQ(install_remedy(root, "passt"), "apt install passt");
}

TEST(Surroundings, WslIsToldByTheKernelsName) {
  EXPECT_EQ(wsl_of("4.4.0-19041-Microsoft"), Wsl::kOne);
  EXPECT_EQ(wsl_of("5.15.153.1-microsoft-standard-WSL2"), Wsl::kTwo);
  EXPECT_EQ(wsl_of("6.1.0-my-microsoft-kernel"), Wsl::kNone);
  EXPECT_EQ(wsl_of("6.8.0-31-generic"), Wsl::kNone);
}

TEST(Surroundings, TheRemedyForUserNamespacesNamesTheSwitchThatIsOff) {
  struct Case {
    const char* what;
    Surroundings where;
    const char* remedy;
  };
  const auto with = [](auto change) {
    Surroundings where;
    where.user_namespace_limit = "63432";
    change(where);
    return where;
  };
  const Case cases[] = {
      {"Ubuntu", with([](auto& w) { w.apparmor_restriction = "1"; }), "sudo apparmor/install"},
      {"its switch is off", with([](auto& w) { w.apparmor_restriction = "0"; }), "CONFIG_USER_NS"},
      {"the limit", with([](auto& w) { w.user_namespace_limit = "0"; }),
       "user.max_user_namespaces=15000"},
      {"an old Debian", with([](auto& w) { w.debian_switch = "0"; }),
       "kernel.unprivileged_userns_clone=1"},
      {"WSL 1, whatever else", with([](auto& w) {
         w.wsl = Wsl::kOne;
         w.apparmor_restriction = "1";
       }),
       "wsl --set-version"},
      {"Docker", with([](auto& w) { w.container = Container::kDocker; }),
       "--security-opt systempaths=unconfined"},
      {"Podman", with([](auto& w) { w.container = Container::kPodman; }), "unmask=ALL"},
      {"Flatpak", with([](auto& w) { w.container = Container::kFlatpak; }), "flatpak-spawn --host"},
      {"a chroot", with([](auto& w) { w.in_chroot = true; }), "pivot_root"},
      {"a box of ours", with([](auto& w) { w.in_box = true; }), "leave the box"},
      {"nothing known", with([](auto&) {}), "CONFIG_USER_NS"},
  };
  for (const auto& test : cases) {
    EXPECT_NE(user_namespace_remedy(test.where).find(test.remedy), std::string::npos)
        << test.what << ": " << user_namespace_remedy(test.where);
  }
}

Checks some_checks() {
  return {
      {.id = "a", .title = "first", .verdict = Verdict::kOk, .found = "fine", .remedy = {}},
      {.id = "b", .title = "second", .verdict = Verdict::kNote, .found = "so so", .remedy = "do b"},
      {.id = "c",
       .title = "third",
       .verdict = Verdict::kProblem,
       .found = "bad \033[2J\xff\nline",
       .remedy = "do c"},
      not_tried("d", "fourth", "third")};
}

TEST(Doctor, TheTextHasALineForEachCheckAndTheRemedyBelow) {
  const std::string text = doctor_text({}, some_checks(), Colour::kNever);
  for (const char* part :
       {"ok         first", "note       second", "-> do b", "problem    third", "-> do c",
        "not tried  fourth", "needs third", "1 ok, 1 note, 1 problem, 1 not tried\n"}) {
    EXPECT_NE(text.find(part), std::string::npos) << part << "\n" << text;
  }
  EXPECT_EQ(text.find('\033'), std::string::npos) << "bytes of others steer no terminal";
  EXPECT_NE(doctor_text({}, some_checks(), Colour::kAlways).find("\033[31m"), std::string::npos);
}

TEST(Doctor, TheJsonIsJsonWhateverAProgramSaid) {
  const auto value = boost::json::parse(doctor_json({}, some_checks()));
  EXPECT_EQ(value.at("problems").as_int64(), 1);
  const auto& checks = value.at("checks").as_array();
  ASSERT_EQ(checks.size(), 4U);
  EXPECT_EQ(checks[0].at("verdict").as_string(), "ok");
  EXPECT_EQ(checks[2].at("verdict").as_string(), "problem");
  EXPECT_EQ(checks[3].at("verdict").as_string(), "not-tried");
  EXPECT_EQ(checks[1].at("remedy").as_string(), "do b");
}

TEST(Doctor, WhatStandsOnAProblemIsNamed) {
  const Checks checks = some_checks();
  EXPECT_EQ(not_ok(checks, {"a"}), "");
  EXPECT_EQ(not_ok(checks, {"a", "c"}), "third");
  EXPECT_EQ(not_ok(checks, {"c", "d"}), "third, fourth");
  EXPECT_EQ(not_ok(checks, {"unknown"}), "");
}

}  // namespace
}  // namespace redoubtful::cli
