// Stands in for NCCL and the CUDA driver where there is no GPU: sums in the host's memory, through files of shared memory. It checks what
// the real ones demand: a context, an order of streams, a name of 128 bytes that is passed by value.
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { SUCCESS = 0, INVALID_CONTEXT = 201, NOT_READY = 600, INTERNAL_ERROR = 3, INVALID_ARGUMENT = 4, FLOAT32 = 7, SUM = 0 };

static __thread int depth;
static int waits; // that a stream has been given since the last sum

static int is(const char* name) { const char* fault = getenv("NCCL_FAKE_FAULT"); return fault && !strcmp(fault, name); }

int cuDeviceGet(int* device, int ordinal) { *device = ordinal + 40; return SUCCESS; }

int cuDevicePrimaryCtxRetain(void** context, int device)
{
    *context = (void*)(long)device;
    return device == 40 ? SUCCESS : INVALID_CONTEXT;
}

int cuCtxPushCurrent_v2(void* context) { depth++; return context == (void*)40L ? SUCCESS : INVALID_CONTEXT; }
int cuCtxPopCurrent_v2(void** context) { *context = (void*)40L; return depth-- > 0 ? SUCCESS : INVALID_CONTEXT; }
int cuStreamCreate(void** stream, unsigned flags) { *stream = (void*)7L; return depth == 1 && flags == 1 ? SUCCESS : INVALID_CONTEXT; }

int cuEventCreate(void** event, unsigned flags)
{
    int* left = malloc(sizeof(int));
    *left = 3;
    *event = left;
    return depth == 1 && flags == 2 ? SUCCESS : INVALID_CONTEXT;
}

int cuEventRecord(void* event, void* stream) { return depth == 1 ? SUCCESS : INVALID_CONTEXT; }
int cuEventQuery(void* event) { return depth != 1 ? INVALID_CONTEXT : --*(int*)event > 0 ? NOT_READY : SUCCESS; }
int cuEventDestroy_v2(void* event) { free(event); return depth == 1 ? SUCCESS : INVALID_CONTEXT; }

int cuStreamWaitEvent(void* stream, void* event, unsigned flags)
{
    waits++;
    return depth == 1 && stream == (void*)7L && flags == 0 ? SUCCESS : INVALID_CONTEXT;
}

typedef struct { char bytes[128]; } Id;
typedef struct { int rank, size; long number; Id id; } Communicator;
typedef struct { atomic_int arrived, left; float numbers[]; } Meeting;

const char* ncclGetErrorString(int code) { return code == INVALID_ARGUMENT ? "invalid argument" : "internal error"; }

int ncclGetUniqueId(Id* id)
{
    memset(id->bytes, 'x', sizeof id->bytes);
    snprintf(id->bytes, sizeof id->bytes, "/nccl-fake-%d", getpid());
    id->bytes[127] = 'Z';
    return is("id") ? INTERNAL_ERROR : SUCCESS;
}

int ncclCommInitRank(Communicator** communicator, int size, Id id, int rank)
{
    if (depth != 1 || id.bytes[126] != 'x' || id.bytes[127] != 'Z')
        return INVALID_ARGUMENT;
    if (is("init") && rank == size - 1)
        return INTERNAL_ERROR;
    *communicator = malloc(sizeof(Communicator));
    **communicator = (Communicator){ rank, size, 0, id };
    return SUCCESS;
}

int ncclCommAbort(Communicator* communicator) { free(communicator); return SUCCESS; }

int ncclCommGetAsyncError(Communicator* communicator, int* code)
{
    *code = is("later") && communicator->number > 3 ? INTERNAL_ERROR : SUCCESS;
    return SUCCESS;
}

int ncclAllReduce(const float* terms, float* sums, size_t count, int type, int operation, Communicator* c, void* stream)
{
    if (depth != 1 || waits-- != 1 || type != FLOAT32 || operation != SUM || stream != (void*)7L)
        return INVALID_ARGUMENT;
    char name[192];
    snprintf(name, sizeof name, "%s-%ld", c->id.bytes, c->number++);
    size_t bytes = sizeof(Meeting) + count * c->size * sizeof(float);
    int file = shm_open(name, O_CREAT | O_RDWR, 0600);
    if (file < 0 || ftruncate(file, bytes))
        return INTERNAL_ERROR;
    Meeting* meeting = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    close(file);
    if (meeting == MAP_FAILED)
        return INTERNAL_ERROR;
    memcpy(meeting->numbers + count * c->rank, terms, count * sizeof(float));
    atomic_fetch_add(&meeting->arrived, 1);
    while (atomic_load(&meeting->arrived) < c->size)
        usleep(50);
    for (size_t i = 0; i < count; i++)
    {
        sums[i] = 0;
        for (int rank = is("wrong"); rank < c->size; rank++)
            sums[i] += meeting->numbers[count * rank + i];
    }
    if (atomic_fetch_add(&meeting->left, 1) == c->size - 1)
        shm_unlink(name);
    munmap(meeting, bytes);
    return SUCCESS;
}
