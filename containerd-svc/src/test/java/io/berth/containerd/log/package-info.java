/** Tests of reading logs, against a writer that rotates as the supervisor does. */
package io.berth.containerd.log;
