#include "tests/support/process.h"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <stdexcept>
#include <utility>

extern char** environ;  // NOLINT: POSIX names it

namespace pristine::test {

namespace {

using Clock = std::chrono::steady_clock;

std::array<int, 2> makePipe() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) throw std::runtime_error("no pipe");
  return ends;
}

/// A file without a name that holds `text`, read from its start.
int fileWith(const std::string& text) {
  const int file = ::open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
  if (file < 0 || ::write(file, text.data(), text.size()) != static_cast<ssize_t>(text.size()) ||
      ::lseek(file, 0, SEEK_SET) != 0) {
    throw std::runtime_error("no file for the standard input");
  }
  return file;
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> result;
  result.reserve(texts.size() + 1);
  for (std::string& text : texts) result.push_back(text.data());
  result.push_back(nullptr);
  return result;
}

/// Appends what the descriptor holds; false at its end.
bool drain(int file, std::string& text) {
  std::array<char, 4096> buffer{};
  const ssize_t count = ::read(file, buffer.data(), buffer.size());
  if (count <= 0) return false;
  text.append(buffer.data(), static_cast<std::size_t>(count));
  return true;
}

}  // namespace

Process::Process(std::vector<std::string> arguments, std::vector<std::string> environment,
                 const std::string& input) {
  for (char** variable = environ; *variable != nullptr; ++variable) {
    const std::string text = *variable;
    const std::string name = text.substr(0, text.find('=') + 1);
    bool replaced = false;
    for (const std::string& own : environment) replaced = replaced || own.starts_with(name);
    if (!replaced) environment.push_back(text);
  }
  const int in = fileWith(input);
  const auto out = makePipe();
  const auto err = makePipe();
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, in, STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&actions, out[1], STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&actions, err[1], STDERR_FILENO);
  const int status = ::posix_spawn(&pid_, arguments.at(0).c_str(), &actions, nullptr,
                                   pointers(arguments).data(), pointers(environment).data());
  posix_spawn_file_actions_destroy(&actions);
  ::close(in);
  ::close(out[1]);
  ::close(err[1]);
  out_ = out[0];
  err_ = err[0];
  if (status != 0) {
    ::close(out_);
    ::close(err_);
    throw std::runtime_error("cannot start " + arguments[0] + ": " + std::strerror(status));
  }
}

Process::~Process() {
  if (pid_ > 0) finish(std::chrono::milliseconds(0));
}

void Process::signal(int number) {
  ::kill(pid_, number);
}

bool Process::pump(std::chrono::milliseconds timeout) {
  std::array<pollfd, 2> files{pollfd{out_, POLLIN, 0}, pollfd{err_, POLLIN, 0}};
  if (::poll(files.data(), files.size(), static_cast<int>(timeout.count())) < 0) {
    return errno == EINTR;
  }
  const auto take = [](const pollfd& file, int& own, std::string& text) {
    if (own < 0 || file.revents == 0 || drain(own, text)) return;
    ::close(own);
    own = -1;
  };
  take(files[0], out_, result_.out);
  take(files[1], err_, result_.err);
  return out_ >= 0 || err_ >= 0;
}

bool Process::waitForError(const std::string& text, std::chrono::milliseconds timeout) {
  const auto end = Clock::now() + timeout;
  while (result_.err.find(text) == std::string::npos) {
    if (Clock::now() >= end || !pump(std::chrono::milliseconds(20))) break;
  }
  return result_.err.find(text) != std::string::npos;
}

ProcessResult Process::finish(std::chrono::milliseconds timeout) {
  const auto end = Clock::now() + timeout;
  bool killed = false;
  while (pump(std::chrono::milliseconds(20))) {
    if (killed || Clock::now() < end) continue;
    ::kill(pid_, SIGKILL);
    killed = true;
  }
  int status = 0;
  ::waitpid(pid_, &status, 0);
  pid_ = -1;
  if (WIFEXITED(status)) result_.exitCode = WEXITSTATUS(status);
  if (WIFSIGNALED(status)) result_.signal = WTERMSIG(status);
  return std::move(result_);
}

ProcessResult runProcess(std::vector<std::string> arguments, std::vector<std::string> environment,
                         const std::string& input) {
  return Process(std::move(arguments), std::move(environment), input).finish();
}

}  // namespace pristine::test
