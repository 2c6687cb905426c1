// Lets a program see another processor: cpuid answers as on a virtual machine whose hypervisor hides the caches (Firecracker and such).
//
//   gcc -O2 -shared -fPIC -o other_processor.so other_processor.c -ldl
//   OTHER_PROCESSOR=amd-without-caches LD_PRELOAD=$PWD/other_processor.so dotnet test ...
//
// amd-without-caches    an AMD processor of Zen 5 whose leaf 0x8000001D is empty: oneDNN 3.7 then takes each cache for one byte
// intel-without-caches  this processor with an empty leaf 4: oneDNN then takes its own guess, which is right
//
// Needs Linux on a processor that can refuse cpuid to programs (cpuid_fault in /proc/cpuinfo): the instruction then raises SIGSEGV, and the
// handler below answers in its place. It stays before handlers that the program sets itself (.NET does), and hands on all that is not cpuid.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#define ARCH_SET_CPUID 0x1012

typedef int (*sigaction_function)(int, const struct sigaction *, struct sigaction *);

static sigaction_function real_sigaction;
static struct sigaction program_action; // what the program wants at SIGSEGV
static int is_amd;

static void allow_cpuid(int allowed) { syscall(SYS_arch_prctl, ARCH_SET_CPUID, allowed); }

static void answer(uint32_t leaf, uint32_t subleaf, uint32_t out[4]) {
    __asm__ volatile("cpuid" : "=a"(out[0]), "=b"(out[1]), "=c"(out[2]), "=d"(out[3]) : "a"(leaf), "c"(subleaf));
    if (leaf == 4)
        memset(out, 0, 16); // deterministic cache parameters: none
    if (!is_amd)
        return;
    switch (leaf) {
    case 0:
        memcpy(&out[1], "Auth", 4);
        memcpy(&out[3], "enti", 4);
        memcpy(&out[2], "cAMD", 4);
        break;
    case 1:
        out[0] = 0x00B00F21; // family 26, model 2: Zen 5 "Turin"
        break;
    case 7:
        if (subleaf == 0)
            out[3] &= ~((1u << 22) | (1u << 23) | (1u << 24) | (1u << 25)); // no AMX, no AVX512-FP16
        break;
    case 0x80000000:
        out[0] = 0x80000028;
        break;
    case 0x80000001:
        out[2] |= 1u << 22; // topology extensions: leaf 0x8000001D is there
        break;
    case 0x80000005:
    case 0x80000006:
    case 0x8000001D: // AMD's cache parameters: none
    case 0x8000001E:
        memset(out, 0, 16);
        break;
    }
}

static void on_segv(int number, siginfo_t *info, void *context) {
    greg_t *registers = ((ucontext_t *)context)->uc_mcontext.gregs;
    const uint8_t *instruction = (const uint8_t *)registers[REG_RIP];
    // A general-protection fault has no address; a bad jump would make reading the instruction a second fault.
    if (info->si_code == SI_KERNEL && instruction != NULL && instruction[0] == 0x0F && instruction[1] == 0xA2) {
        uint32_t out[4];
        allow_cpuid(1);
        answer((uint32_t)registers[REG_RAX], (uint32_t)registers[REG_RCX], out);
        allow_cpuid(0);
        registers[REG_RAX] = out[0];
        registers[REG_RBX] = out[1];
        registers[REG_RCX] = out[2];
        registers[REG_RDX] = out[3];
        registers[REG_RIP] += 2;
        return;
    }
    if (program_action.sa_flags & SA_SIGINFO) {
        program_action.sa_sigaction(number, info, context);
    } else if (program_action.sa_handler != SIG_DFL && program_action.sa_handler != SIG_IGN) {
        program_action.sa_handler(number);
    } else {
        struct sigaction fatal = {.sa_handler = SIG_DFL};
        real_sigaction(SIGSEGV, &fatal, NULL); // the instruction faults again, and ends the process
    }
}

int sigaction(int number, const struct sigaction *action, struct sigaction *old) {
    if (real_sigaction == NULL)
        real_sigaction = (sigaction_function)dlsym(RTLD_NEXT, "sigaction");
    if (number != SIGSEGV)
        return real_sigaction(number, action, old);
    struct sigaction before = program_action;
    if (action != NULL)
        program_action = *action;
    if (old != NULL)
        *old = before;
    return 0;
}

__attribute__((constructor)) static void start(void) {
    const char *wanted = getenv("OTHER_PROCESSOR");
    if (wanted == NULL)
        return;
    is_amd = strcmp(wanted, "amd-without-caches") == 0;
    if (!is_amd && strcmp(wanted, "intel-without-caches") != 0) {
        fprintf(stderr, "OTHER_PROCESSOR is %s; amd-without-caches and intel-without-caches are known.\n", wanted);
        _exit(2);
    }
    if (real_sigaction == NULL)
        real_sigaction = (sigaction_function)dlsym(RTLD_NEXT, "sigaction");
    struct sigaction ours = {.sa_sigaction = on_segv, .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER};
    sigemptyset(&ours.sa_mask);
    real_sigaction(SIGSEGV, &ours, NULL);
    if (syscall(SYS_arch_prctl, ARCH_SET_CPUID, 0) != 0) {
        fprintf(stderr, "This processor does not let programs be refused cpuid (no cpuid_fault in /proc/cpuinfo).\n");
        _exit(2);
    }
}
