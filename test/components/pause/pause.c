/*
 * The process that holds the namespaces of a pod: it waits for signals, collects what its children
 * leave when the pod shares one PID namespace, and ends when it is told to.
 */
#include <errno.h>
#include <signal.h>
#include <sys/wait.h>

int main(void) {
  sigset_t signals;
  int signal;

  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGCHLD);
  if (sigprocmask(SIG_BLOCK, &signals, 0) != 0) return 1;
  for (;;) {
    if (sigwait(&signals, &signal) != 0) continue;
    if (signal != SIGCHLD) return 0;
    while (waitpid(-1, 0, WNOHANG) > 0) {
    }
  }
}
