/* What surrounds the C of a kernel, see ptx_on_cpu.py: FIELDS are its registers, BODY its instructions. */
#include <fenv.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
enum { ENDED, BARRIER, MEETING, WATCHING }; /* why a thread pauses */
enum { NOBODY = -1, ANY = -2 };             /* whom it hears in a meeting, if not a thread */
#define PATIENCE 10000                    /* rounds in which all warps of a block only watch each other */
typedef struct { char *to, *from; int size, read; } Copy;
typedef struct { int at, copies, landed, group, groups, from, ends[64]; unsigned x, y; uint32_t given, got, temp; Copy copy[1024]; FIELDS } Thread;
static char *S; static int64_t room; static unsigned ctaid, nctaid, ntid[3], seed;
static void stop(const char *why, long where) { fprintf(stderr, "%s: %ld\n", why, where); abort(); }
static char *shared(int64_t at, int size) {
  if (at < 0 || at + size > room || at % size) stop("shared memory", at);
  return S + at;
}
static void aligned(void *at, int size, char space) {
  if ((space == 's' ? (uintptr_t)((char *)at - S) : (uintptr_t)at) % size) stop("a vector that is not aligned", (long)at);
}
static void copy(Thread *t, int64_t to, char *from, int size, int read) {
  memset(shared(to, size), 0xFF, size);
  if (read && (uintptr_t)from % size) stop("a copy that is not aligned", (long)from);
  t->copy[t->copies++ % 1024] = (Copy){S + to, from, size, read};
}
static void arrived(Thread *t, int left) {
  while (t->group + left < t->groups) {
    for (; t->landed < t->ends[t->group % 64]; t->landed++) {
      Copy c = t->copy[t->landed % 1024];
      memset(c.to, 0, c.size);
      memcpy(c.to, c.from, c.read);
    }
    t->group++;
  }
}
static float round_down(float a, float b, float c) {
  int before = fegetround(); fesetround(FE_DOWNWARD); volatile float r = fmaf(a, b, c); fesetround(before); return r;
}
static float half(uint16_t h) { _Float16 v; memcpy(&v, &h, 2); return v; }
static uint16_t to_half(float f) { _Float16 v = f; uint16_t h; memcpy(&h, &v, 2); return h; }
static int64_t div64(int64_t a, int64_t b) { return b == -1 ? (int64_t)(0 - (uint64_t)a) : a / b; }
static void shuffle(unsigned *order, unsigned count) {
  for (unsigned i = 0; i < count; i++) order[i] = i;
  for (unsigned i = count; i-- > 1;) {
    seed = seed * 1664525u + 1013904223u;
    unsigned j = (seed >> 8) % (i + 1), kept = order[i]; order[i] = order[j]; order[j] = kept;
  }
}
static int run(Thread *R, const uint64_t *P) {
  switch (R->at) { case 0:;
    BODY
  }
  return ENDED;
}
static void exchange(Thread *t) {
  unsigned any = 0;
  for (int i = 0; i < 32; i++) any |= t[i].from == ANY && t[i].given;
  for (int i = 0; i < 32; i++) t[i].got = t[i].from == ANY ? any : t[i].from >= 0 ? t[t[i].from].given : 0;
}
/* A warp up to where it has to wait for others, or watches them. */
static int warp(Thread *t, const uint64_t *P) {
  for (;;) {
    unsigned order[32]; int state = -1;
    shuffle(order, 32);
    for (int i = 0; i < 32; i++) {
      int s = run(t + order[i], P);
      if (state >= 0 && s != state) stop("a warp that parts, thread", order[i]);
      state = s;
    }
    if (state == ENDED) return state;
    for (int i = 1; i < 32; i++) if (t[i].at != t[0].at) stop("a warp that meets in two places, thread", i);
    if (state != MEETING) return state;
    exchange(t);
  }
}
static void block(Thread *t, const uint64_t *P, unsigned warps) {
  int state[64]; unsigned order[64];
  for (unsigned i = 0; i < warps; i++) state[i] = MEETING;
  for (int idle = 0;;) {
    unsigned ended = 0, waiting = 0, watching = 0;
    shuffle(order, warps);
    for (unsigned i = 0; i < warps; i++) {
      int *s = state + order[i];
      if (*s == MEETING || *s == WATCHING) *s = warp(t + 32 * order[i], P);
      watching += *s == WATCHING;
    }
    for (unsigned i = 0; i < warps; i++) ended += state[i] == ENDED, waiting += state[i] == BARRIER;
    if (ended == warps) return;
    if (waiting && waiting + ended == warps) {
      if (ended) stop("a barrier for some, warps that ended", ended);
      for (unsigned i = 0; i < warps; i++) state[i] = MEETING;
    }
    idle = watching && watching + waiting + ended == warps ? idle + 1 : 0;
    if (idle > PATIENCE) stop("warps that wait for ever", watching);
  }
}
int launch(const uint64_t *P, unsigned first, unsigned grid, unsigned bx, unsigned by, int64_t bytes, unsigned start) {
  unsigned threads = bx * by;
  if (threads % 32) stop("a warp that is not full", threads);
  Thread *t = calloc(threads, sizeof(Thread));
  S = aligned_alloc(128, (bytes + 255) / 128 * 128); room = bytes; nctaid = grid; ntid[0] = bx; ntid[1] = by; ntid[2] = 1; seed = start;
  for (ctaid = first; ctaid < grid; ctaid++) {
    memset(S, 0xFF, bytes); memset(t, 0, threads * sizeof(Thread));
    for (unsigned i = 0; i < threads; i++) t[i].x = i % bx, t[i].y = i / bx;
    block(t, P, threads / 32);
  }
  free(t); free(S);
  return 0;
}
