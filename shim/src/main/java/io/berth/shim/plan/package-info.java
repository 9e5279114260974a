/**
 * From a specification to a plan: which steps, in which order, make a process what the document
 * says.
 *
 * <p>{@link io.berth.shim.plan.InitPlan} and {@link io.berth.shim.plan.ExecPlan} are functions from
 * values to a list of {@link io.berth.shim.plan.Step}s. What a step needs from the host is named by
 * a {@link io.berth.shim.plan.Handle}, which somebody else opens. So a plan can be made, printed
 * and compared without a container: {@code berth-shim --print-plan BUNDLE}.
 *
 * <p>The kernel demands the order: cgroups are joined before the cgroup namespace is made and that
 * before cgroups are mounted; hooks of the host see the namespaces but not yet the new root; what
 * needs privileges comes before they are given up; the program is looked up as the user who will
 * run it, and a filter that would forbid the rest comes last where it may.
 *
 * <p>Pure: no files, no threads.
 */
@NullMarked
package io.berth.shim.plan;

import org.jspecify.annotations.NullMarked;
