/*
 * How a test program gives its results to the machine that runs it: the same four calls on Linux (x86 or AArch64) and
 * on an emulated Cortex-M, where they are semihosting calls. Numbers go to the file `result.bin`, words to the output.
 */
#ifndef HOST_H
#define HOST_H

void host_write(const void *data, unsigned size); /* append to result.bin in the current folder */
void host_say(const char *line);
int host_report(int status, unsigned stack); /* say how deep the stack got; hand the status on */
void host_exit(int status);

#endif
