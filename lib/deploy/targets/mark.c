/* The marks as functions, for Python to call through ctypes. */
#include "mark.h"

void mark_begin(void) { MARK_BEGIN(); }
void mark_end(void) { MARK_END(); }
