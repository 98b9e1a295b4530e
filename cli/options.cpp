#include "cli/options.hpp"

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <algorithm>
#include <array>

#include "cli/flags.hpp"
#include "common/text.hpp"

namespace redoubtful::cli {
namespace {

using Words = std::vector<std::string>;

// What the options of one command were given, before it means anything.
struct Raw {
  FlagTexts flags;
  Words use;
  std::string directory;
  std::string profile;
  bool dry_run = false;
  bool quiet = false;
  bool json = false;
  bool follow = false;
  bool help = false;
  int verbosity = 0;
};

// In the design, but not built; the command line knows them to say so.
constexpr std::array<std::string_view, 2> kLaterOptions{"--name", "--detach"};
constexpr std::string_view kLaterShort = "nd";
constexpr std::array<std::string_view, 6> kLaterCommands{"ps",   "logs", "attach",
                                                         "stop", "rm",   "completion"};
constexpr std::array<std::string_view, 11> kCommands{
    "run", "show", "why", "allow", "init", "trust", "profile", "home", "audit", "doctor", "demo"};

Error usage(std::string what, std::string_view topic) {
  std::string hint = "redoubtful ";
  if (!topic.empty()) hint.append(topic).append(" ");
  return Error(Errc::kUsage, std::move(what)).hint(hint + "--help shows the options");
}

Error not_yet(std::string_view what) {
  return Error(Errc::kNotYet, shown(what) + ": not yet in this version");
}

void add_common(CLI::App& app, Raw& raw) {
  app.set_help_flag();
  app.add_flag("-h,--help", raw.help);
}

void add_list(CLI::App& app, const std::string& names, Words& out) {
  // allow_extra_args: CLI11 would otherwise take every following word, and split "[a,b]".
  app.add_option(names, out)->allow_extra_args(false);
}

void add_last(CLI::App& app, const std::string& names, std::string& out) {
  app.add_option(names, out)->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
}

void add_run_options(CLI::App& app, Raw& raw) {
  add_list(app, "-u,--use", raw.use);
  add_list(app, "-m,--mount", raw.flags.mounts);
  add_list(app, "-p,--path", raw.flags.path);
  add_list(app, "-f,--forward", raw.flags.forward);
  add_list(app, "--publish", raw.flags.publish);
  add_list(app, "-a,--allow", raw.flags.allow);
  add_list(app, "--deny", raw.flags.deny);
  add_list(app, "--ask", raw.flags.ask);
  add_list(app, "-s,--secret", raw.flags.secrets);
  add_list(app, "-e,--env", raw.flags.environment);
  add_last(app, "--network", raw.flags.network);
  add_last(app, "--home", raw.flags.home);
  add_last(app, "--cwd", raw.flags.cwd);
  add_last(app, "-C,--chdir", raw.directory);
  app.add_flag("--dry-run", raw.dry_run);
  app.add_flag("-q", raw.quiet);
  app.add_flag("-v", raw.verbosity);
}

// An argument vector, taken apart at the border that CLI11 does not keep exactly: it swallows "++",
// reads on behind unknown options, and takes the next word for "--env=".
struct Parts {
  Words options;  // each option and each value a word of its own
  Words rest;     // from the first word that is no option
};

class Splitter {
 public:
  Splitter(const CLI::App& app, std::string_view topic) : app_(app), topic_(topic) {}

  Result<Parts> split(const Words& words, std::size_t from) {
    std::size_t i = from;
    for (; i < words.size(); ++i) {
      const std::string& word = words[i];
      if (word == "--") {
        ++i;
        break;
      }
      if (word.size() < 2 || word[0] != '-') break;
      const auto* next = i + 1 < words.size() ? &words[i + 1] : nullptr;
      auto took_next = word[1] == '-' ? long_option(word, next) : short_options(word, next);
      if (!took_next) return std::move(took_next).error();
      if (*took_next == Took::kNextWord) ++i;
    }
    parts_.rest.assign(words.begin() + static_cast<std::ptrdiff_t>(i), words.end());
    return std::move(parts_);
  }

 private:
  enum class Took { kThisWord, kNextWord };

  Result<Took> long_option(const std::string& word, const std::string* next) {
    const std::size_t equals = word.find('=');
    const std::string name = word.substr(0, equals);
    const CLI::Option* option = app_.get_option_no_throw(name);
    if (option == nullptr) return unknown(name);
    if (equals == std::string::npos) return with_value(*option, name, next);
    if (option->get_items_expected_max() == 0)
      return usage(shown(name) + " takes no value", topic_);
    return take(name, word.substr(equals + 1), Took::kThisWord);
  }

  Result<Took> short_options(const std::string& word, const std::string* next) {
    for (std::size_t at = 1; at < word.size(); ++at) {
      const std::string name = std::string("-") + word[at];
      const CLI::Option* option = app_.get_option_no_throw(name);
      if (option == nullptr) return unknown(name);
      if (option->get_items_expected_max() == 0) {
        parts_.options.push_back(name);
      } else if (at + 1 < word.size()) {
        return take(name, word.substr(at + 1), Took::kThisWord);
      } else {
        return with_value(*option, name, next);
      }
    }
    return Took::kThisWord;
  }

  Result<Took> with_value(const CLI::Option& option, const std::string& name,
                          const std::string* next) {
    if (option.get_items_expected_max() == 0) {
      parts_.options.push_back(name);
      return Took::kThisWord;
    }
    if (next == nullptr) return usage(name + " needs a value", topic_);
    return take(name, *next, Took::kNextWord);
  }

  Result<Took> take(const std::string& name, const std::string& value, Took took) {
    if (value.empty()) return usage(name + " needs a value, and this one is empty", topic_);
    parts_.options.push_back(name);
    parts_.options.push_back(value);
    return took;
  }

  Error unknown(const std::string& name) const {
    const bool later = name.size() == 2 ? kLaterShort.find(name[1]) != std::string_view::npos
                                        : std::find(kLaterOptions.begin(), kLaterOptions.end(),
                                                    name) != kLaterOptions.end();
    if (later && (topic_ == "run" || topic_ == "show" || topic_ == "why")) return not_yet(name);
    std::vector<std::string> known;
    for (const CLI::Option* option : app_.get_options()) {
      for (const auto& long_name : option->get_lnames()) known.push_back("--" + long_name);
    }
    const std::vector<std::string_view> views(known.begin(), known.end());
    const std::string near = name.starts_with("--") ? did_you_mean(name, views) : "";
    return usage("unknown option " + quoted(name, 60) + near, topic_);
  }

  const CLI::App& app_;
  std::string_view topic_;
  Parts parts_;
};

Result<void> parse_into(CLI::App& app, std::string_view topic, Words options) {
  std::reverse(options.begin(), options.end());  // as CLI11 wants a vector
  try {
    app.parse(std::move(options));
  } catch (const CLI::Error& error) {
    return usage(error.what(), topic);
  }
  return {};
}

// Parses the options at `from` into the Raw that `app` is bound to, and returns what follows them.
Result<Words> parse_words(CLI::App& app, std::string_view topic, const Words& words,
                          std::size_t from) {
  auto parts = Splitter(app, topic).split(words, from);
  if (!parts) return std::move(parts).error();
  auto parsed = parse_into(app, topic, std::move(parts->options));
  if (!parsed) return std::move(parsed).error();
  return std::move(parts->rest);
}

// The same where options may stand on either side of the operands, which are returned.
Result<Words> parse_mixed(CLI::App& app, std::string_view topic, const Words& words,
                          std::size_t from) {
  Words options;
  Words operands;
  while (from < words.size()) {
    auto parts = Splitter(app, topic).split(words, from);
    if (!parts) return std::move(parts).error();
    options.insert(options.end(), parts->options.begin(), parts->options.end());
    const std::size_t first = words.size() - parts->rest.size();
    const std::size_t taken = first > from && words[first - 1] == "--" ? parts->rest.size() : 1;
    for (std::size_t i = first; i < std::min(first + taken, words.size()); ++i) {
      operands.push_back(words[i]);
    }
    from = first + std::max<std::size_t>(taken, 1);
  }
  auto parsed = parse_into(app, topic, std::move(options));
  if (!parsed) return std::move(parsed).error();
  return operands;
}

Result<std::string> chosen_directory(const std::string& text,
                                     const std::string& current_directory) {
  if (text.empty()) return current_directory;
  if (text.starts_with('/')) return text;
  if (current_directory.empty()) {
    return Error(Errc::kInvalidMount,
                 "-C " + shown(text) + " is relative, but the current directory no longer exists");
  }
  return current_directory + "/" + text;
}

Result<Invocation> parse_run(Verb verb, std::string_view topic, const Words& words,
                             const std::string& current_directory) {
  Raw raw;
  CLI::App app;
  add_common(app, raw);
  add_run_options(app, raw);
  if (verb == Verb::kShow) app.add_flag("--json", raw.json);
  auto command =
      verb == Verb::kWhy ? parse_mixed(app, topic, words, 1) : parse_words(app, topic, words, 1);
  if (!command) return std::move(command).error();
  Invocation out;
  out.verb = raw.help ? Verb::kHelp : verb;
  out.topic = topic;
  if (raw.help) return out;
  if (verb == Verb::kWhy) {
    if (command->size() != 1) return usage("why needs one TARGET: a host, host:port or URL", topic);
    out.operand = std::move(command->front());
    command->clear();
  }
  auto directory = chosen_directory(raw.directory, current_directory);
  if (!directory) return std::move(directory).error();
  auto flags = flags_layer(raw.flags, current_directory);
  if (!flags) return std::move(flags).error();
  out.selection = {std::move(raw.use), *std::move(flags), *std::move(command),
                   *std::move(directory)};
  out.format = raw.json ? Format::kJson : Format::kText;
  out.dry_run = raw.dry_run;
  out.quiet = raw.quiet;
  out.verbosity = raw.verbosity;
  return out;
}

struct SubCommand {
  std::string_view name;
  Verb verb;
  std::size_t least;  // operands
  std::size_t most;
};

constexpr std::array<SubCommand, 2> kProfileCommands{
    {{"list", Verb::kProfileList, 0, 0}, {"check", Verb::kProfileCheck, 1, 1}}};
constexpr std::array<SubCommand, 3> kHomeCommands{{{"list", Verb::kHomeList, 0, 0},
                                                   {"path", Verb::kHomePath, 0, 0},
                                                   {"reset", Verb::kHomeReset, 0, 1}}};

constexpr std::array<SubCommand, 6> kSingleCommands{{{"allow", Verb::kAllow, 1, 1},
                                                     {"init", Verb::kInit, 0, 0},
                                                     {"trust", Verb::kTrust, 0, 0},
                                                     {"audit", Verb::kAudit, 0, 1},
                                                     {"doctor", Verb::kDoctor, 0, 0},
                                                     {"demo", Verb::kDemo, 0, 0}}};

// A command with few options and at most one operand; options may stand on either side of it.
Result<Invocation> parse_small(const SubCommand& command, std::string_view topic,
                               const Words& words, std::size_t from,
                               const std::string& current_directory) {
  Raw raw;
  CLI::App app;
  add_common(app, raw);
  if (command.verb == Verb::kDoctor || command.verb == Verb::kAudit) {
    app.add_flag("--json", raw.json);
  }
  if (command.verb == Verb::kAudit) app.add_flag("-f,--follow", raw.follow);
  if (topic == "home" || command.verb == Verb::kAllow || command.verb == Verb::kInit ||
      command.verb == Verb::kTrust) {
    add_last(app, "-C,--chdir", raw.directory);
  }
  if (command.verb == Verb::kAllow) add_last(app, "-u,--use", raw.profile);
  auto operands = parse_mixed(app, topic, words, from);
  if (!operands) return std::move(operands).error();
  Invocation out;
  out.topic = topic;
  if (raw.help) return out;
  if (operands->size() > command.most) {
    return usage("too many words: " + quoted((*operands)[command.most], 80), topic);
  }
  if (operands->size() < command.least) {
    const bool grouped = command.name != topic;
    return usage((grouped ? std::string(topic) + " " : "") + std::string(command.name) +
                     " needs a " + (command.verb == Verb::kAllow ? "RULE" : "FILE"),
                 topic);
  }
  auto directory = chosen_directory(raw.directory, current_directory);
  if (!directory) return std::move(directory).error();
  out.verb = command.verb;
  out.selection.directory = *std::move(directory);
  if (!operands->empty()) out.operand = operands->front();
  out.format = raw.json ? Format::kJson : Format::kText;
  out.follow = raw.follow;
  out.profile = std::move(raw.profile);
  return out;
}

template <std::size_t N>
Result<Invocation> parse_group(const std::array<SubCommand, N>& commands, std::string_view topic,
                               const Words& words, const std::string& current_directory) {
  if (words.size() > 1 && (words[1] == "--help" || words[1] == "-h")) {
    Invocation help;
    help.topic = topic;
    return help;
  }
  std::vector<std::string_view> names;
  std::string list;
  for (const auto& command : commands) {
    if (words.size() > 1 && words[1] == command.name) {
      return parse_small(command, topic, words, 2, current_directory);
    }
    names.push_back(command.name);
    list.append(list.empty() ? "" : ", ").append(command.name);
  }
  if (words.size() < 2) return usage(std::string(topic) + " needs one of: " + list, topic);
  return usage("unknown command " + quoted(words[1], 60) + did_you_mean(words[1], names) + "; " +
                   std::string(topic) + " has: " + list,
               topic);
}

}  // namespace

Result<Invocation> parse_options(const Words& arguments, const std::string& current_directory) {
  if (arguments.empty()) return usage("a command is missing", "");
  const std::string& word = arguments.front();
  if (word == "run") return parse_run(Verb::kRun, "run", arguments, current_directory);
  if (word == "show") return parse_run(Verb::kShow, "show", arguments, current_directory);
  if (word == "why") return parse_run(Verb::kWhy, "why", arguments, current_directory);
  if (word == "profile")
    return parse_group(kProfileCommands, "profile", arguments, current_directory);
  if (word == "home") return parse_group(kHomeCommands, "home", arguments, current_directory);
  for (const auto& command : kSingleCommands) {
    if (word == command.name) {
      return parse_small(command, command.name, arguments, 1, current_directory);
    }
  }
  Invocation out;
  if (word == "--help" || word == "-h") return out;
  if (word == "--version") {
    out.verb = Verb::kVersion;
    return out;
  }
  if (std::find(kLaterCommands.begin(), kLaterCommands.end(), word) != kLaterCommands.end()) {
    return not_yet(word);
  }
  if (word.starts_with('-')) return usage("unknown option " + quoted(word, 60), "");
  const std::string near = did_you_mean(word, kCommands);
  Error error = usage("unknown command " + quoted(word, 60) + near, "");
  if (!near.empty()) return error;
  return std::move(error).hint("to run it in the box: redoubtful run " + shown(word.substr(0, 60)));
}

}  // namespace redoubtful::cli
